import { describeDebiansNode } from './describe-debians-node.ts';
import { images } from './images.ts';

describeDebiansNode(images['debian-14']);

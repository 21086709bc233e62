import { describeImage } from './describe-image.ts';
import { images } from './images.ts';

describeImage(images['no-home']);

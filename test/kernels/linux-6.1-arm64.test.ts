import { describeKernel } from './describe-kernel.ts';
import { kernels } from './kernels.ts';

await describeKernel(kernels['6.1 on arm64']);

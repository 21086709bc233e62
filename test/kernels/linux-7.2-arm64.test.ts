import { describeKernel } from './describe-kernel.ts';
import { kernels } from './kernels.ts';

await describeKernel(kernels['7.2 on arm64']);

export { becomeSubreaper } from './native/process.ts';
export { SystemError } from './native/system-error.ts';

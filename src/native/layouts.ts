// Every structure layout that the calls in this folder rely on: sizes and offsets in bytes, the same on x64 and arm64.

export const sizeofSigset = 128;
export const sizeofSigaction = 152;
export const sigactionFlagsOffset = 136;
export const sizeofSpawnAttributes = 336;
export const sizeofSiginfo = 128;
export const siginfoPidOffset = 16;
export const sizeofRlimit = 16;
/** Of musl's, which keeps room for fields to come; glibc's is shorter. */
export const sizeofRusage = 272;
export const rusageUserTimeOffset = 0;
export const rusageSystemTimeOffset = 16;
export const rusageMaxRssOffset = 32;
export const sizeofTimespec = 16;
export const sizeofPollfd = 8;
/** Of the first version, PIDFD_INFO_SIZE_VER0: the number of the ioctl says which one is meant. */
export const sizeofPidfdInfo = 64;
export const pidfdInfoExitCodeOffset = 60;

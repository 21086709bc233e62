// Every structure layout that the calls in this folder use: sizes and offsets in bytes, the same on x64 and arm64.

export const sizeofSigset = 128;
export const sizeofSigaction = 152;
export const sigactionFlagsOffset = 136;
export const sizeofSpawnAttributes = 336;
export const sizeofSpawnFileActions = 80;
export const sizeofSiginfo = 128;
export const siginfoCodeOffset = 8;
export const siginfoPidOffset = 16;
export const sizeofRlimit = 16;
/** musl's size, which includes reserved fields; glibc's is smaller. */
export const sizeofRusage = 272;
export const rusageUserTimeOffset = 0;
export const rusageSystemTimeOffset = 16;
export const rusageMaxRssOffset = 32;
export const sizeofTimespec = 16;
export const sizeofPollfd = 8;
/** The first version, PIDFD_INFO_SIZE_VER0. The number of the ioctl encodes the version. */
export const sizeofPidfdInfo = 64;
export const pidfdInfoExitCodeOffset = 60;
export const sizeofNlmsghdr = 16;
export const nlmsghdrTypeOffset = 4;
export const nlmsghdrFlagsOffset = 6;
export const sizeofUnixDiagReq = 24;
export const unixDiagReqInodeOffset = 8;
export const unixDiagReqShowOffset = 12;
export const unixDiagReqCookieOffset = 16;
export const sizeofUnixDiagMsg = 16;

import { bind } from './addon.ts';
import * as constants from './constants.ts';
import { closeDescriptor, sendWithoutBlocking } from './descriptors.ts';
import * as layouts from './layouts.ts';
import { checked, SystemError } from './system-error.ts';
import type { Errno } from './types.ts';

const socketCall = bind<[number, number, number], number>('int socket(int, int, int)');
const recvCall = bind<[number, Buffer, number, number], number>('long recv(int, void *, size_t, int)');

/**
 * The inode of the other end of a connected UNIX socket, which only the kernel knows: sock_diag(7). It tells without any
 * capability, but only about the sockets of this network namespace.
 * @param inode as in the link "socket:[inode]" of /proc/pid/fd
 * @returns undefined if no process holds the other end any more, or the socket is not connected
 * @throws SystemError ENOENT if this is no UNIX socket of this network namespace, or the kernel has no unix_diag;
 *   what a seccomp filter returns; EAFNOSUPPORT, EPROTONOSUPPORT from a kernel without netlink
 */
export function unixSocketPeer(inode: number): number | undefined {
  const netlink = checked(
    'socket',
    socketCall(
      constants.AF_NETLINK,
      constants.SOCK_RAW | constants.SOCK_CLOEXEC,
      constants.NETLINK_SOCK_DIAG,
    ),
  );
  try {
    sendWithoutBlocking(netlink, request(inode));
    // The kernel has answered before send(2) returns.
    const answer = Buffer.alloc(512);
    const size = checked('recv', recvCall(netlink, answer, answer.length, constants.MSG_DONTWAIT));
    return peerIn(answer.subarray(0, size));
  } finally {
    closeDescriptor(netlink);
  }
}

/** A struct nlmsghdr and a struct unix_diag_req. */
function request(inode: number): Buffer {
  const message = Buffer.alloc(layouts.sizeofNlmsghdr + layouts.sizeofUnixDiagReq);
  message.writeUInt32LE(message.length);
  message.writeUInt16LE(constants.SOCK_DIAG_BY_FAMILY, layouts.nlmsghdrTypeOffset);
  message.writeUInt16LE(constants.NLM_F_REQUEST, layouts.nlmsghdrFlagsOffset);
  const body = message.subarray(layouts.sizeofNlmsghdr);
  body.writeUInt8(constants.AF_UNIX);
  body.writeUInt32LE(inode, layouts.unixDiagReqInodeOffset);
  body.writeUInt32LE(constants.UDIAG_SHOW_PEER, layouts.unixDiagReqShowOffset);
  // No cookie: the inode is enough.
  body.fill(0xff, layouts.unixDiagReqCookieOffset);
  return message;
}

/** A struct nlmsghdr, then a struct unix_diag_msg and its attributes, or the negated number of an error. */
function peerIn(answer: Buffer): number | undefined {
  const body = answer.subarray(layouts.sizeofNlmsghdr);
  if (answer.readUInt16LE(layouts.nlmsghdrTypeOffset) === constants.NLMSG_ERROR) {
    throw new SystemError('sock_diag', -body.readInt32LE() as Errno);
  }
  // A struct rtattr: 16 bits of length, 16 of type, the value; aligned to 4 bytes.
  for (let at = layouts.sizeofUnixDiagMsg; at < body.length; at += (body.readUInt16LE(at) + 3) & ~3) {
    if (body.readUInt16LE(at + 2) !== constants.UNIX_DIAG_PEER) continue;
    // 0: the socket is still there, but no descriptor of it.
    return body.readUInt32LE(at + 4) || undefined;
  }
  return undefined;
}

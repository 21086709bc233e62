import { refuseOldNode } from '../native/supported-node.ts';
import { joinReaper } from './reaper.ts';

// node loads this before the app, with --import or --require. If it cannot work, the app must not start as if it did. The
// user needs no stack trace for that.
try {
  refuseOldNode();
  joinReaper({});
} catch (error) {
  process.stderr.write(`subreaper: ${(error as Error).message.split('\n')[0]}\n`);
  process.exit(125);
}

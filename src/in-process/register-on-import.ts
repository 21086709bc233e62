import { refuseOldNode } from '../native/supported-node.ts';
import { orExit } from './or-exit.ts';
import { joinReaper } from './reaper.ts';

orExit(() => {
  refuseOldNode();
  joinReaper({});
});

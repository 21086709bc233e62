import { joinReaper } from './reaper.ts';

// Loaded before the app, with node's --import or --require: where it cannot do its work the app must not start as if it
// did, and whoever starts it has no use for a stack.
try {
  joinReaper({});
} catch (error) {
  process.stderr.write(`subreaper: ${(error as Error).message}\n`);
  process.exit(125);
}

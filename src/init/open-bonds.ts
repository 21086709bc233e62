import { requireModule } from '../native/require.ts';
import type * as bonds from './bonds.ts';
import type { Inherited } from './inherited.ts';
import type { InitOptions } from './options.ts';

/**
 * Loads what --until-owner and --until-stdin-closes need, dist/bonds.cjs: a bundle of its own, for those that have neither.
 * @throws Error if there is nothing to be bound to
 */
export function openBonds(options: InitOptions, inherited: Inherited): bonds.Bonds | undefined {
  if (!options.untilOwner && !options.untilStdinCloses) return undefined;
  return (requireModule('./bonds.cjs') as typeof bonds).createBonds(options, inherited);
}

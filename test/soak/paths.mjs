import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
export const launcher = resolve(root, 'bin/subreaper');
export const actorSource = resolve(root, 'test/helpers/actor.c');
export const actor = resolve(root, 'build/actor');

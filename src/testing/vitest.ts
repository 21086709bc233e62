import { afterEach, beforeEach } from 'vitest';
import { failOnLeaks } from './index.ts';

failOnLeaks({ beforeEach, afterEach });

import { afterEach, beforeEach, expect } from 'vitest';
import { failOnLeaks } from './index.ts';

failOnLeaks({ beforeEach, afterEach }, { testName: () => expect.getState().currentTestName });

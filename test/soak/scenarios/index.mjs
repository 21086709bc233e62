import { endings } from './endings.mjs';
import { floods } from './floods.mjs';
import { restarts } from './restarts.mjs';
import { stops } from './stops.mjs';
import { storms } from './storms.mjs';
import { switches } from './switches.mjs';
import { weeks } from './week.mjs';

/** Each draws the plan of a run: see run.mjs. */
export const scenarios = { ...floods, ...stops, ...endings, ...restarts, ...storms, ...switches, ...weeks };

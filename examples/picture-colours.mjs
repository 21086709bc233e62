// The colours of the pictures on the pages. Each has a value for a light and one for a dark page, and the browser chooses: by
// the system's scheme, or by the CSS property color-scheme of the page that shows the picture.

const values = {
  ground: ['#ffffff', '#1b1b1f'],
  panel: ['#f1f3f5', '#2b2c31'],
  ink: ['#212529', '#dee2e6'],
  dim: ['#495057', '#adb5bd'],
  line: ['#adb5bd', '#6c757d'],
  grid: ['#dee2e6', '#3c3f45'],
  red: ['#c92a2a', '#ff8787'],
  blue: ['#1864ab', '#74c0fc'],
  pink: ['#c2255c', '#f783ac'],
  grayBar: ['#dee2e6', '#43474e'],
  blueBar: ['#b4c2d0', '#3d5368'],
  yellowBar: ['#ffd8a8', '#76511f'],
  orangeBar: ['#ffc9a8', '#84452a'],
  redBar: ['#ffa8a8', '#8a3438'],
  paleGreenBar: ['#c3fae8', '#1d4a42'],
  greenBar: ['#96f2d7', '#14604f'],
  violetBar: ['#d0bfff', '#54428c'],
};

const names = Object.keys(values);
const declare = (scheme) => names.map((name) => `--${name}:${values[name][scheme]}`).join(';');

/** The value of an attribute `fill` or `stroke`. */
export const colours = Object.fromEntries(names.map((name) => [name, `var(--${name})`]));

/** What a picture begins with: the values of the colours, and the ground. */
export const ground = `<style>:root{${declare(0)}}@media (prefers-color-scheme:dark){:root{${declare(1)}}}</style>
<rect width="100%" height="100%" rx="10" fill="${colours.ground}"/>`;

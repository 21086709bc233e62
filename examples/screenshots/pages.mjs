// The pages that the service serves for its own demo, so that it needs no network.

/**
 * A page in two parts. The background's colour stands in the second: a screenshot has it only if the whole
 * page came.
 * @returns {[string, string]}
 */
export function pageHalves(number) {
  return [
    `<!doctype html><title>page ${number}</title><h1>page ${number}</h1>\n`,
    `<style>html { background: rgb(${colourOf(number).join()}) }</style>\n`,
  ];
}

/** @returns {[number, number, number]} a page's background: another than its neighbours', and never white */
export function colourOf(number) {
  return [(number * 37) % 256, (number * 91) % 256, 128];
}

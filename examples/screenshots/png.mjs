// Reads just enough of a PNG to tell that it is whole: https://www.w3.org/TR/png-3/

import { inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length, type and CRC: what a chunk has around its data. */
const CHUNK_OVERHEAD = 12;
/** Samples a pixel by colour type, for the two that browsers write. */
const samplesOf = { 2: 3, 6: 4 };

/**
 * @param {Buffer} bytes
 * @returns {{ width: number, height: number, topLeft: number[] }} topLeft: the first pixel's red, green, blue
 * @throws {Error} that says what is wrong, if it is no whole PNG of 8 bits a sample, or does not end with it
 */
export function readPng(bytes) {
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('no PNG signature');
  const chunks = readChunks(bytes);
  const header = chunks[0];
  if (header?.type !== 'IHDR' || header.data.length !== 13) throw new Error('no IHDR at the start');
  if (chunks.at(-1).type !== 'IEND') throw new Error('no IEND at the end');

  const width = header.data.readUInt32BE(0);
  const height = header.data.readUInt32BE(4);
  const [bitDepth, colourType, , , interlace] = header.data.subarray(8);
  const samples = samplesOf[colourType];
  if (bitDepth !== 8 || samples === undefined || interlace !== 0)
    throw new Error('an unexpected pixel format');

  const data = chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data);
  const pixels = inflateSync(Buffer.concat(data));
  // Each row has a byte in front, its filter.
  const expected = height * (1 + width * samples);
  if (pixels.length !== expected) throw new Error(`${pixels.length} bytes of pixels, not ${expected}`);
  // Every filter predicts from the left and from above, where the first pixel has nothing: it stands as is.
  return { width, height, topLeft: [...pixels.subarray(1, 4)] };
}

function readChunks(bytes) {
  const chunks = [];
  for (let offset = SIGNATURE.length; offset < bytes.length; ) {
    const rest = bytes.length - offset;
    if (rest < CHUNK_OVERHEAD || rest - CHUNK_OVERHEAD < bytes.readUInt32BE(offset)) {
      throw new Error(`cut off in a chunk at byte ${offset}`);
    }
    const length = bytes.readUInt32BE(offset);
    const type = bytes.toString('latin1', offset + 4, offset + 8);
    const checked = bytes.subarray(offset + 4, offset + 8 + length);
    if (crc32(checked) !== bytes.readUInt32BE(offset + 8 + length)) throw new Error(`wrong CRC in ${type}`);
    chunks.push({ type, data: checked.subarray(4) });
    offset += CHUNK_OVERHEAD + length;
  }
  return chunks;
}

/** The one in node:zlib is younger than the oldest node that this runs on. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

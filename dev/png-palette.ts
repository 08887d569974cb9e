/**
 * Makes a browser's picture small: 256 colours instead of all. Reads what chromium writes:
 * 8 bits a channel, RGB or RGBA, not interlaced; transparency is dropped.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOURS_MAX = 256;
const COMMON_COUNT = 144;
const CANDIDATES_MAX = 4096;
const RGBA = 6;

interface Picture {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB of each pixel. */
  readonly colours: Uint32Array;
}

export function withPalette(png: Buffer): Buffer {
  const { width, height, colours } = decoded(png);
  const palette = chosen(colours);
  const indexOf = new Map(palette.map((colour, index) => [colour, index]));
  const rows = Buffer.alloc(height * (width + 1)); // each begins with filter 0
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const colour = colours[y * width + x]!;
      let index = indexOf.get(colour);
      if (index === undefined) {
        index = nearest(palette, colour);
        indexOf.set(colour, index);
      }
      rows[y * (width + 1) + 1 + x] = index;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3], 8); // bits of an index, palette
  const table = Buffer.from(palette.flatMap((colour) => channelsOf(colour)));
  const data = deflateSync(rows, { level: 9 });
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', table),
    chunk('IDAT', data),
    chunk('IEND'),
  ]);
}

function decoded(png: Buffer): Picture {
  const parts: Buffer[] = [];
  let width = 0;
  let height = 0;
  let channels = 3;
  for (let at = SIGNATURE.length; at < png.length; ) {
    const size = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + size);
    if (type === 'IHDR') {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      channels = body[9] === RGBA ? 4 : 3;
    } else if (type === 'IDAT') parts.push(body);
    at += size + 12;
  }
  const bytes = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
  const colours = new Uint32Array(width * height);
  for (let pixel = 0; pixel < colours.length; pixel += 1)
    colours[pixel] = bytes.readUIntBE(pixel * channels, 3);
  return { width, height, colours };
}

/** Undoes the filter of each row. @source PNG specification, "Filter types for filter method 0" */
function unfiltered(rows: Buffer, stride: number, height: number, channels: number): Buffer {
  const bytes = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = rows[y * (stride + 1)]!;
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x < channels ? 0 : bytes[at - channels]!;
      const up = y === 0 ? 0 : bytes[at - stride]!;
      const corner = y === 0 || x < channels ? 0 : bytes[at - stride - channels]!;
      bytes[at] = rows[y * (stride + 1) + 1 + x]! + predicted(filter, left, up, corner);
    }
  }
  return bytes;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const guess = left + up - corner;
  const [byLeft, byUp, byCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

/** Most by how often they occur, the rest because nothing near them was chosen: a rare signal colour is not lost. */
function chosen(colours: Uint32Array): number[] {
  const counts = new Map<number, number>();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const byCount = [...counts].sort(([, a], [, b]) => b - a);
  const palette = byCount.slice(0, COMMON_COUNT).map(([colour]) => colour);
  const others = byCount.slice(COMMON_COUNT, CANDIDATES_MAX).map(([colour]) => {
    return { colour, distance: distance(colour, palette[nearest(palette, colour)]!) };
  });
  while (palette.length < Math.min(COLOURS_MAX, byCount.length)) {
    const far = others.reduce((best, other) => (other.distance > best.distance ? other : best));
    palette.push(far.colour);
    for (const other of others) other.distance = Math.min(other.distance, distance(other.colour, far.colour));
  }
  return palette;
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, candidate] of palette.entries()) {
    const away = distance(colour, candidate);
    if (away < least) {
      least = away;
      best = index;
    }
  }
  return best;
}

/** As eyes see it, roughly. */
function distance(a: number, b: number): number {
  const red = (a >>> 16) - (b >>> 16);
  const green = ((a >>> 8) & 0xff) - ((b >>> 8) & 0xff);
  const blue = (a & 0xff) - (b & 0xff);
  return 2 * red * red + 4 * green * green + blue * blue;
}

const channelsOf = (colour: number): number[] => [colour >>> 16, (colour >>> 8) & 0xff, colour & 0xff];

function chunk(type: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(body.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}

// An OpenStreetMap extract of a made-up town, for the program to make a map of: streets with names in a grid, a lake, a
// park, and houses.
import { writeFileSync } from 'node:fs'

const varint = n => {
  const out = []
  let v = BigInt.asUintN(64, BigInt(n))
  do {
    const low = Number(v & 127n)
    v >>= 7n
    out.push(v > 0n ? low | 128 : low)
  } while (v > 0n)
  return Buffer.from(out)
}
const zigzag = n => (n < 0 ? -2 * n - 1 : 2 * n)
const number = (field, n) => Buffer.concat([varint(field << 3), varint(n)])
const bytes = (field, b) => Buffer.concat([varint((field << 3) | 2), varint(b.length), b])
const text = (field, s) => bytes(field, Buffer.from(s))
const packed = (field, list) => bytes(field, Buffer.concat(list.map(varint)))

/** One block of the file format, not compressed. */
function block(type, data) {
  const blob = Buffer.concat([bytes(1, data), number(2, data.length)])
  const header = Buffer.concat([text(1, type), number(3, blob.length)])
  const size = Buffer.alloc(4)
  size.writeUInt32BE(header.length)
  return Buffer.concat([size, header, blob])
}

/** Writes the extract of a town round a place. */
export function writeTown(path, lon, lat) {
  const strings = ['']
  const word = s => {
    if (!strings.includes(s)) strings.push(s)
    return strings.indexOf(s)
  }
  const nodes = []
  const ways = []
  const node = (x, y) => {
    nodes.push([lon + x, lat + y])
    return nodes.length
  }
  const way = (refs, tags) => ways.push({ refs, tags })
  for (let i = -12; i <= 12; i++) {
    const big = i % 4 === 0
    const kind = big ? 'primary' : 'residential'
    way([node(-0.06, i * 0.004), node(0.06, i * 0.004)], { highway: kind, name: `Rua ${i + 13} de Abril` })
    way([node(i * 0.005, -0.048), node(i * 0.005, 0.048)], { highway: kind, name: `Avenida ${i + 13}` })
  }
  const ring = (x, y, w, h, tags) => {
    const first = node(x, y)
    way([first, node(x + w, y), node(x + w, y + h), node(x, y + h), first], tags)
  }
  ring(0.011, 0.009, 0.008, 0.006, { natural: 'water', name: 'Lago' })
  ring(-0.019, -0.015, 0.008, 0.006, { leisure: 'park', name: 'Parque' })
  for (let i = 0; i < 40; i++) ring(-0.0145 + 0.0007 * i, 0.0005, 0.0004, 0.0004, { building: 'yes' })
  const group = Buffer.concat([
    ...nodes.map(([x, y], i) =>
      bytes(
        1,
        Buffer.concat([
          number(1, zigzag(i + 1)),
          number(8, zigzag(Math.round(y * 1e7))),
          number(9, zigzag(Math.round(x * 1e7))),
        ]),
      ),
    ),
    ...ways.map(({ refs, tags }, i) =>
      bytes(
        3,
        Buffer.concat([
          number(1, i + 1),
          packed(2, Object.keys(tags).map(word)),
          packed(3, Object.values(tags).map(word)),
          packed(
            8,
            refs.map((r, k) => zigzag(r - (refs[k - 1] ?? 0))),
          ),
        ]),
      ),
    ),
  ])
  const table = Buffer.concat(strings.map(s => text(1, s)))
  writeFileSync(
    path,
    Buffer.concat([
      block('OSMHeader', text(4, 'OsmSchema-V0.6')),
      block('OSMData', Buffer.concat([bytes(1, table), bytes(2, group)])),
    ]),
  )
}

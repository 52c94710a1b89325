// Signatures as strokes. The picture is made of the strokes, off the screen, so that no turn of the phone cuts it.

/** Stroke is a line as it was drawn: x and y in thousandths of the pad's width. */
export type Stroke = [number, number][]

/** The pad is as wide as three times its height, on every screen. */
export const ratio = 1 / 3

const width = 1200
const height = 400

/** Draws strokes on a canvas of a width in its own pixels. */
export function draw(
  paint: CanvasRenderingContext2D,
  strokes: readonly Stroke[],
  wide: number,
  colour: string,
): void {
  paint.clearRect(0, 0, wide, wide * ratio)
  paint.strokeStyle = paint.fillStyle = colour
  paint.lineWidth = wide / 300
  paint.lineCap = paint.lineJoin = 'round'
  for (const s of strokes) {
    paint.beginPath()
    for (const [i, [x, y]] of s.entries()) {
      if (i === 0) paint.moveTo((x * wide) / 1000, (y * wide) / 1000)
      else paint.lineTo((x * wide) / 1000, (y * wide) / 1000)
    }
    if (s.length === 1) {
      paint.arc((s[0]![0] * wide) / 1000, (s[0]![1] * wide) / 1000, wide / 400, 0, 7)
      paint.fill()
    } else paint.stroke()
  }
}

/** Whether strokes are more than a touch. */
export function hasInk(strokes: readonly Stroke[]): boolean {
  let way = 0
  for (const s of strokes) {
    for (let i = 1; i < s.length; i++) way += Math.hypot(s[i]![0] - s[i - 1]![0], s[i]![1] - s[i - 1]![1])
  }
  return way > 60
}

/** The picture of a signature, or of a name that was typed in its place. Throws if it has no ink. */
export async function picture(strokes: readonly Stroke[], typed: string): Promise<Blob> {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const paint = canvas.getContext('2d')!
  if (typed) {
    paint.fillStyle = '#102040'
    paint.textAlign = 'center'
    paint.textBaseline = 'middle'
    let size = 90
    do paint.font = `italic ${size}px serif`
    while (paint.measureText(typed).width > width - 80 && --size > 12)
    paint.fillText(typed, width / 2, height / 2)
  } else {
    draw(paint, strokes, width, '#102040')
  }
  const drawn = paint.getImageData(0, 0, width, height).data
  paint.globalCompositeOperation = 'destination-over'
  paint.fillStyle = '#ffffff'
  paint.fillRect(0, 0, width, height)
  if (!drawn.some((v, i) => i % 4 === 3 && v > 0)) throw new Error('the signature has no ink')
  const out = await new Promise<Blob | null>(done => canvas.toBlob(done, 'image/png'))
  if (!out) throw new Error('the picture of the signature could not be made')
  return out
}

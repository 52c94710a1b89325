// Photos: made small, upright and without what the camera wrote into them, by drawing them anew.

/** The longest side of a photo as it is kept. */
const longest = 2000

/** Why a file is no photo that can be kept. */
export class NoPhoto extends Error {}

/** A JPEG of a file, with nothing in it but the picture. Throws NoPhoto. */
export async function photoOf(file: Blob): Promise<Blob> {
  let whole: ImageBitmap
  try {
    whole = await createImageBitmap(file)
  } catch {
    throw new NoPhoto('unreadable')
  }
  const scale = Math.min(1, longest / Math.max(whole.width, whole.height))
  const width = Math.max(1, Math.round(whole.width * scale))
  const height = Math.max(1, Math.round(whole.height * scale))
  whole.close()
  // Scaled while it is decoded: a canvas of the whole is too large for some phones, and stays black.
  const small = await createImageBitmap(file, {
    resizeWidth: width,
    resizeHeight: height,
    resizeQuality: 'high',
  })
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const paint = canvas.getContext('2d', { willReadFrequently: true })
  if (!paint) throw new NoPhoto('memory')
  paint.drawImage(small, 0, 0, width, height)
  small.close()
  if (blank(paint.getImageData(0, 0, width, height).data)) throw new NoPhoto('black')
  let out: Blob | null = null
  // At most about one megabyte: larger ones break the stores of some phones.
  for (const quality of [0.85, 0.7, 0.5]) {
    out = await new Promise<Blob | null>(done => canvas.toBlob(done, 'image/jpeg', quality))
    if (out && out.size <= 1_000_000) break
  }
  canvas.width = canvas.height = 0
  if (!out) throw new NoPhoto('memory')
  return out
}

function blank(pixels: Uint8ClampedArray): boolean {
  for (let i = 0; i < pixels.length; i += 4 * 101) {
    if (pixels[i]! + pixels[i + 1]! + pixels[i + 2]! > 12) return false
  }
  return true
}

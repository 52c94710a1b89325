import sheet from 'address:maplibre-gl/dist/maplibre-gl.css'
import worker from 'address:maplibre-gl/dist/maplibre-gl-worker.mjs'
import latin from '@fontsource/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-latin-500-normal.woff2'
import latinExt from '@fontsource/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-latin-ext-500-normal.woff2'
import {
  Map as GLMap,
  type LngLatBounds,
  NavigationControl,
  ScaleControl,
  type StyleSpecification,
  setWorkerUrl,
} from 'maplibre-gl'

/** The style sheet of MapLibre, which is loaded with the map and not before. */
function styled(): Promise<void> {
  if (document.querySelector(`link[href="${sheet}"]`)) return Promise.resolve()
  const link = document.createElement('link')
  link.rel = 'stylesheet'
  link.href = sheet
  document.head.append(link)
  return new Promise(done => {
    link.onload = () => done()
    link.onerror = () => done()
  })
}

/** What every map is made of. */
export interface Basis {
  box: HTMLElement
  /** The answer of GET /v1/map/style: plain ground where the server has no map. */
  ground: StyleSpecification
  title: string
  words: { in: string; out: string }
  bounds: LngLatBounds
}

/** The ground that lies under all that a screen draws, with a font for its labels and ours. The attribution is a text
 * of the page: MapLibre would set it as HTML. */
export function groundOf(
  ground: StyleSpecification,
  more: Pick<StyleSpecification, 'sources' | 'layers'>,
): StyleSpecification {
  const sources: StyleSpecification['sources'] = {}
  for (const [name, source] of Object.entries(ground.sources)) {
    const { attribution: _, ...rest } = source as Record<string, unknown>
    sources[name] = rest as StyleSpecification['sources'][string]
  }
  return {
    version: 8,
    'font-faces': {
      Doorstep: [
        { url: latin, 'unicode-range': ['U+0-FF', 'U+131', 'U+152-153', 'U+2000-206F', 'U+20AC'] },
        { url: latinExt, 'unicode-range': ['U+100-24F', 'U+1E00-1EFF'] },
      ],
    },
    sources: { ...sources, ...more.sources },
    layers: [...ground.layers, ...more.layers],
  }
}

/** Opens a map in a box. It throws where WebGL is missing. */
export function openMap(b: Basis, more: Pick<StyleSpecification, 'sources' | 'layers'>): GLMap {
  void styled()
  setWorkerUrl(worker)
  const map = new GLMap({
    container: b.box,
    style: groundOf(b.ground, more),
    attributionControl: false,
    fadeDuration: 0,
    ...(b.bounds.isEmpty() ? {} : { bounds: b.bounds, fitBoundsOptions: { padding: 36 } }),
    maxZoom: 18,
    locale: {
      'Map.Title': b.title,
      'NavigationControl.ZoomIn': b.words.in,
      'NavigationControl.ZoomOut': b.words.out,
    },
  })
  map.addControl(new ScaleControl({ maxWidth: 120 }), 'bottom-left')
  map.addControl(new NavigationControl({ showCompass: false }), 'top-right')
  map.touchZoomRotate.disableRotation()
  return map
}

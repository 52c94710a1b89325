/** The colours of teams, in the order of style.css: white numbers on them are readable. */
const light = [
  '#0b62a8',
  '#a8430b',
  '#0a7a55',
  '#8b2f8f',
  '#6b5a00',
  '#b0245c',
  '#1f6f78',
  '#5b4bb5',
  '#7a4a24',
  '#4c5a68',
]

/** The same in the dark: dark numbers on them are readable. */
const darkness = [
  '#6db6f2',
  '#f2a06d',
  '#5fd3a8',
  '#dc8fe0',
  '#d6c350',
  '#f58ab4',
  '#6fd0da',
  '#b0a4f5',
  '#d6a67c',
  '#aebccb',
]

/** What the map is drawn with. */
export interface Palette {
  ground: string
  area: string
  halo: string
  text: string
  out: string
  ring: string
  number: string
  teams: string[]
}

/** The colours of a light or dark map. */
export function palette(dark: boolean): Palette {
  return dark
    ? {
        ground: '#171c22',
        area: '#3c4957',
        halo: '#171c22',
        text: '#aebccb',
        out: '#8896a5',
        ring: '#ffffff',
        number: '#10151a',
        teams: darkness,
      }
    : {
        ground: '#eef1f4',
        area: '#b4c0cc',
        halo: '#eef1f4',
        text: '#4c5a68',
        out: '#6b7785',
        ring: '#10151a',
        number: '#ffffff',
        teams: light,
      }
}

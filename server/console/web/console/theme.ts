import { computed, effect, signal } from '@preact/signals'

/** What a user chose: as the system has it, light, or dark. */
export type Theme = 'system' | 'light' | 'dark'

const chosen = 'doorstep.theme'
const system = matchMedia('(prefers-color-scheme: dark)')
const systemDark = signal(system.matches)
system.addEventListener('change', e => {
  systemDark.value = e.matches
})

function saved(): Theme {
  try {
    const v = localStorage.getItem(chosen)
    return v === 'light' || v === 'dark' ? v : 'system'
  } catch {
    return 'system'
  }
}

/** The theme that is chosen. */
export const theme = signal<Theme>(saved())

/** Whether the page is dark. */
export const dark = computed(() => (theme.value === 'system' ? systemDark.value : theme.value === 'dark'))

effect(() => {
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light'
})

/** Chooses a theme, for this browser. */
export function chooseTheme(t: Theme): void {
  theme.value = t
  try {
    localStorage.setItem(chosen, t)
  } catch {
    // The choice holds until the page is left.
  }
}

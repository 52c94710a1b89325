import { useEffect, useState } from 'preact/hooks'

/** A part of the app that is loaded when it is shown; undefined until it is there. */
export function useLazy<T>(load: () => Promise<T>): T | undefined {
  const [found, set] = useState<T | undefined>(undefined)
  useEffect(() => {
    void load().then(m => set(() => m))
  }, [])
  return found
}

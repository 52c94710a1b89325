import { useSignal } from '@preact/signals'
import type { ComponentType, JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { Refused } from '../../shared/call'
import { Loading, Trouble } from '../../shared/ui'
import { t } from '../../shared/words'

/** A screen that is loaded when it is first shown. */
export function Later<P extends object>({
  of,
  with: props,
}: {
  of: () => Promise<ComponentType<P>>
  with: P
}): JSX.Element {
  const found = useSignal<{ screen: ComponentType<P> } | undefined>(undefined)
  const trouble = useSignal<Refused | undefined>(undefined)
  const load = (): void => {
    trouble.value = undefined
    of().then(
      screen => {
        found.value = { screen }
      },
      () => {
        trouble.value = new Refused('offline', 'no answer', 0)
      },
    )
  }
  useEffect(load, [of])
  if (trouble.value) return <Trouble of={trouble.value} retry={load} />
  if (!found.value) return <Loading what={t('app.loading')} />
  const Screen = found.value.screen
  return <Screen {...props} />
}

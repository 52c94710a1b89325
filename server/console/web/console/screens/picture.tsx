import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { bytes, fill, Refused } from '../../shared/call'
import { Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import type { Stored } from '../story'

/** Bytes as an address of their own: the page's policy allows no other that needs a sign-in. */
function inline(b: Blob): Promise<string> {
  return new Promise((done, failed) => {
    const r = new FileReader()
    r.onload = () => done(String(r.result))
    r.onerror = () => failed(new Refused('unreadable', 'not a picture', 0))
    r.readAsDataURL(b)
  })
}

/** A picture that is stored with a case: small, and in its size when it is opened. */
export function Picture({ of, id }: { of: Stored; id: string }): JSX.Element {
  const small = useSignal('')
  const large = useSignal('')
  const trouble = useSignal<Refused | undefined>(undefined)
  const box = useRef<HTMLDialogElement>(null)
  const at = (what: string): string =>
    fill(`/v1/cases/{id}/attachments/{attachment}${what}`, { id, attachment: of.id })
  const fetchTo = (path: string, into: typeof small): Promise<void> =>
    bytes(path)
      .then(x => inline(x.blob))
      .then(
        s => {
          into.value = s
        },
        (e: unknown) => {
          trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
        },
      )
  useEffect(() => {
    if (of.picture) void fetchTo(at('/thumbnail'), small)
  }, [of.id])
  const open = async (): Promise<void> => {
    trouble.value = undefined
    if (!large.value) await fetchTo(at(''), large)
    if (large.value) box.current?.showModal()
  }
  const save = async (): Promise<void> => {
    trouble.value = undefined
    try {
      const x = await bytes(at(''))
      const link = document.createElement('a')
      link.href = URL.createObjectURL(x.blob)
      link.download = x.name || of.id
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
    } catch (e) {
      trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
    }
  }
  return (
    <div class="picture">
      {small.value && <img src={small.value} alt={of.name} />}
      <button type="button" onClick={() => void (of.picture ? open() : save())}>
        {t('story.see')}
      </button>
      {trouble.value && <Trouble of={trouble.value} />}
      <dialog ref={box} aria-label={of.name}>
        {large.value && <img src={large.value} alt={of.name} />}
        <form method="dialog">
          <button type="submit" class="main">
            {t('undo.close')}
          </button>
        </form>
      </dialog>
    </div>
  )
}

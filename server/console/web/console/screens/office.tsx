import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { call, user } from '../../shared/call'
import { Heading, Loading } from '../../shared/ui'
import { type Key, t } from '../../shared/words'
import { branch } from '../branch'
import { tellTime } from '../live'
import { address, type OfficePage } from '../route'
import { DaysOff } from './daysoff'
import { Devices } from './devices'
import { FirstStart } from './first'
import { Imports } from './imports'
import { Messages } from './messages'
import { Law } from './officelaw'
import { People } from './people'
import { Sessions } from './sessions'
import { Shifts } from './shifts'
import { Teams } from './teams'

const pages: [OfficePage, () => JSX.Element][] = [
  ['people', People],
  ['teams', Teams],
  ['shifts', Shifts],
  ['daysoff', DaysOff],
  ['devices', Devices],
  ['law', Law],
  ['messages', Messages],
  ['imports', Imports],
  ['start', FirstStart],
  ['sessions', Sessions],
]

/** The screens of the office: whom and what the day's work needs. */
export default function Office({ page }: { page: OfficePage }): JSX.Element {
  const Page = pages.find(([name]) => name === page)?.[1] ?? People
  const b = branch.value!
  // Days and ages are told by the server's clock.
  const timed = useSignal(false)
  useEffect(() => {
    call('GET', '/v1/inbox', { query: { branch: b.id, kind: 'silent_phones', limit: 1 } })
      .then(x => tellTime(x.as_of))
      .catch(() => {
        // The page says itself what it cannot read.
      })
      .finally(() => {
        timed.value = true
      })
  }, [b.id])
  const shown = pages.filter(([name]) => name !== 'start' || user.value?.role === 'admin')
  return (
    <div class="office">
      <nav aria-label={t('office.nav')}>
        <ul class="card list">
          {shown.map(([name]) => (
            <li key={name}>
              <a href={address.office(name)} aria-current={name === page ? 'page' : undefined}>
                <span>{t(`office.${name}` as Key)}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="page" key={page}>
        <Heading>{t(`office.${page}` as Key)}</Heading>
        {timed.value ? <Page /> : <Loading what={t('app.loading')} />}
      </div>
    </div>
  )
}

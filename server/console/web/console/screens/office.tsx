import type { JSX } from 'preact'
import { user } from '../../shared/call'
import { Heading } from '../../shared/ui'
import { type Key, t } from '../../shared/words'
import { address, type OfficePage } from '../route'
import { DaysOff } from './daysoff'
import { Devices } from './devices'
import { FirstStart } from './first'
import { Imports } from './imports'
import { Law } from './law'
import { Messages } from './messages'
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
        <Page />
      </div>
    </div>
  )
}

import type { JSX } from 'preact'
import type { Team } from './day'

/** The number of a team on its colour, as on the map and in the timeline. */
export function TeamMark({ team }: { team: Pick<Team, 'number' | 'colour'> }): JSX.Element {
  return <span class={`number c${team.colour}`}>{team.number}</span>
}

import { signal } from '@preact/signals'
import type { Answer } from '../shared/call'
import { call, user } from '../shared/call'

/** A branch as the list of branches has it. */
export type Branch = NonNullable<Answer<'GET /v1/branches'>['items']>[number]

/** The branches that the user may see; undefined while they are read. */
export const branches = signal<Branch[] | undefined>(undefined)

/** The branch that is shown. */
export const branch = signal<Branch | undefined>(undefined)

const chosen = 'doorstep.branch'

/** Reads the branches, and takes the one chosen before, else the first. */
export async function readBranches(): Promise<void> {
  const u = user.value
  if (u?.role === 'auditor') {
    // Auditors may not list branches; they know those that they are given.
    branches.value = (u.branches ?? []).map(id => ({ id, name: id }) as Branch)
    branch.value = branches.value[0]
    return
  }
  const list = (await call('GET', '/v1/branches')).items ?? []
  const mine = user.value?.branches ?? []
  branches.value = mine.length ? list.filter(b => mine.includes(b.id)) : list
  let saved: string | null = null
  try {
    saved = localStorage.getItem(chosen)
  } catch {
    // The first branch is shown then.
  }
  branch.value = branches.value.find(b => b.id === saved) ?? branches.value[0]
}

/** Forgets the branches, when the user signs out. */
export function forget(): void {
  branches.value = undefined
  branch.value = undefined
}

/** Shows another branch. */
export function choose(id: string): void {
  branch.value = branches.value?.find(b => b.id === id)
  try {
    localStorage.setItem(chosen, id)
  } catch {
    // The choice holds until the page is left.
  }
}

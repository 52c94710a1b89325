// What the app itself keeps on the phone, apart from the records that are synced: small values by name.

const name = 'doorstep-app'
let opened: Promise<IDBDatabase> | undefined

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((done, failed) => {
    const asked = indexedDB.open(name, 1)
    asked.onupgradeneeded = () => asked.result.createObjectStore('values')
    asked.onsuccess = () => {
      // Browsers close databases of pages that slept. The next call opens it again.
      asked.result.onclose = () => {
        opened = undefined
      }
      done(asked.result)
    }
    asked.onerror = () => {
      opened = undefined
      failed(asked.error)
    }
  })
  return opened
}

async function within<T>(mode: IDBTransactionMode, work: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  for (let again = false; ; again = true) {
    try {
      const db = await open()
      return await new Promise<T>((done, failed) => {
        const t = db.transaction('values', mode, { durability: 'strict' })
        const asked = work(t.objectStore('values'))
        t.oncomplete = () => done(asked.result)
        t.onabort = () => failed(t.error)
        t.onerror = () => failed(t.error)
      })
    } catch (e) {
      if (again || !(e instanceof DOMException && e.name === 'InvalidStateError')) throw e
      opened = undefined
    }
  }
}

/** Reads a value; undefined if there is none. */
export const read = <T>(key: string): Promise<T | undefined> =>
  within('readonly', s => s.get(key) as IDBRequest<T | undefined>)

/** Keeps a value. It is on the disk when the promise ends. */
export const write = async (key: string, value: unknown): Promise<void> => {
  await within<IDBValidKey>('readwrite', s => s.put(value, key))
}

/** Forgets a value. */
export const forget = async (key: string): Promise<void> => {
  await within<undefined>('readwrite', s => s.delete(key))
}

/** Forgets all values whose names begin so. */
export const forgetAll = async (prefix: string): Promise<void> => {
  await within<undefined>('readwrite', s => s.delete(IDBKeyRange.bound(prefix, `${prefix}\uffff`)))
}

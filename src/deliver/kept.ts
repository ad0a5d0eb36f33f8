import type { Cargo, Waiting } from './ledger.ts';
import type { SpoolEntry, SpoolRecord } from './store/contract.ts';

/** What the store is given. Its payload is made when it is read: most deliveries arrive before they are written. */
export class Kept implements SpoolRecord {
  readonly entry: SpoolEntry;
  readonly #head: string;
  readonly #json: Buffer | undefined;

  constructor(entry: SpoolEntry, cargo: Cargo, json: Buffer | undefined) {
    const names = `{"id":${JSON.stringify(cargo.id)},"sink":${JSON.stringify(cargo.sink)},"finding":`;
    this.#head = json === undefined ? JSON.stringify(cargo) : names;
    this.#json = json;
    this.entry = entry;
    entry.bytes = Buffer.byteLength(this.#head) + (json === undefined ? 0 : json.length + 1);
  }

  /** The cargo as JSON. */
  get payload(): string {
    return this.#json === undefined ? this.#head : `${this.#head}${this.#json.toString()}}`;
  }
}

/** The findings of all of them as JSON, or undefined: memory does not have each. */
export function jsonOf(members: readonly Waiting[]): Buffer[] | undefined {
  const all = members.map(({ json }) => json).filter((json) => json !== undefined);
  return all.length === members.length ? all : undefined;
}

/** One that was just accepted. */
export function waitingFor(entry: SpoolEntry, cargo: Cargo | undefined, json: Buffer | undefined): Waiting {
  return { entry, cargo, json, stored: false, flying: false, gone: false, next: undefined };
}

/** Of each exec the place that counts: a few bytes for each, so that a fleet's month fits into memory. */
export interface BestOf {
  /** The place of highest rank counts, of equal ones the first. `place` is a safe integer, `rank` an int32. */
  enter(id: string, rank: number, place: number): void;
  /** Where it stands; undefined for an id that was never entered. */
  placeOf(id: string): number | undefined;
}

/** Free where the key is NaN. */
const FREE = Number.NaN;

export function bestOf(): BestOf {
  let slots = 1024;
  let used = 0;
  let keys = new Float64Array(slots).fill(FREE);
  let places = new Float64Array(slots);
  let ranks = new Int32Array(slots);
  /** Ids that are not ours: as they are. */
  const others = new Map<string, { rank: number; place: number }>();

  function slotOf(key: number): number {
    // The lower bits of a hash spread as well as any others.
    let slot = key % slots;
    while (!Number.isNaN(keys[slot]!) && keys[slot] !== key) slot = (slot + 1) % slots;
    return slot;
  }

  function grow(): void {
    const former = { keys, places, ranks };
    slots *= 2;
    keys = new Float64Array(slots).fill(FREE);
    places = new Float64Array(slots);
    ranks = new Int32Array(slots);
    for (const [index, key] of former.keys.entries()) {
      if (Number.isNaN(key)) continue;
      const slot = slotOf(key);
      keys[slot] = key;
      places[slot] = former.places[index]!;
      ranks[slot] = former.ranks[index]!;
    }
  }

  return {
    enter(id, rank, place) {
      const key = keyOf(id);
      if (key === undefined) {
        const known = others.get(id);
        if (known === undefined || rank > known.rank) others.set(id, { rank, place });
        return;
      }
      const slot = slotOf(key);
      const isNew = Number.isNaN(keys[slot]!);
      if (!isNew && rank <= ranks[slot]!) return;
      keys[slot] = key;
      places[slot] = place;
      ranks[slot] = rank;
      if (!isNew) return;
      used += 1;
      if (used * 4 > slots * 3) grow();
    },
    placeOf(id) {
      const key = keyOf(id);
      if (key === undefined) return others.get(id)?.place;
      const slot = slotOf(key);
      return Number.isNaN(keys[slot]!) ? undefined : places[slot];
    },
  };
}

/** 52 bits of an id of Lanner: of a million, two are the same once in ten thousand times. */
function keyOf(id: string): number | undefined {
  return /^[fm]-[0-9a-f]{24}$/.test(id) ? Number.parseInt(id.slice(-13), 16) : undefined;
}

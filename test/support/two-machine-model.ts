/** What two machines that sync both ways should come to: DESIGN 2 and 6 written down once more, naively. */

export type ModelStep =
  | { readonly do: 'write' | 'delete'; readonly on: number; readonly name: string }
  | { readonly do: 'sync'; readonly on: number };

interface Machine {
  readonly disk: Map<string, string>;
  /** What disk and bucket last agreed on, by name. */
  readonly agreed: Map<string, string>;
}

export class Model {
  readonly #overwrite: 'never' | 'known';
  readonly #machines: readonly [Machine, Machine] = [
    { disk: new Map(), agreed: new Map() },
    { disk: new Map(), agreed: new Map() },
  ];
  readonly #bucket = new Map<string, string>();
  /** Names whose versions a policy must not choose between. */
  readonly #contested = new Set<string>();

  constructor(overwrite: 'never' | 'known') {
    this.#overwrite = overwrite;
  }

  write(on: number, name: string, content: string): void {
    this.#machine(on).disk.set(name, content);
  }

  delete(on: number, name: string): void {
    this.#machine(on).disk.delete(name);
  }

  sync(on: number): void {
    const { disk, agreed } = this.#machine(on);
    for (const name of new Set([...disk.keys(), ...this.#bucket.keys()])) {
      const [mine, theirs] = [disk.get(name), this.#bucket.get(name)];
      const winner = this.#winner(mine, theirs, agreed.get(name));
      if (winner === 'contested') this.#contested.add(name);
      else {
        const content = (winner === 'disk' ? mine : theirs) as string;
        disk.set(name, content);
        this.#bucket.set(name, content);
        agreed.set(name, content);
      }
    }
  }

  #winner(mine: string | undefined, theirs: string | undefined, agreed: string | undefined) {
    if (theirs === undefined) return 'disk';
    if (mine === undefined || mine === theirs) return 'bucket';
    if (this.#overwrite === 'never' || agreed === undefined) return 'contested';
    if (agreed === theirs) return 'disk';
    return agreed === mine ? 'bucket' : 'contested';
  }

  disk(on: number): Record<string, string> {
    return Object.fromEntries(this.#machine(on).disk);
  }

  bucket(): Record<string, string> {
    return Object.fromEntries(this.#bucket);
  }

  /** Names that the two disks hold in different versions. */
  differing(): string[] {
    const [a, b] = this.#machines;
    const names = new Set([...a.disk.keys(), ...b.disk.keys()]);
    return [...names].filter((name) => a.disk.get(name) !== b.disk.get(name)).sort();
  }

  /** Of the names that were ever contested, those that still are. */
  contested(): string[] {
    return this.differing().filter((name) => this.#contested.has(name));
  }

  #machine(on: number): Machine {
    const machine = this.#machines[on];
    if (machine === undefined) throw new Error(`no machine ${on}`);
    return machine;
  }
}

// Members that come, are slow, die, leave and are restarted, and a broker that is killed: drawn from a seed. Whatever
// happens, in whatever order:
//
// - one member leads a generation, and all who are in it get what that one has assigned, from one and the same try;
// - generations never go back;
// - what was committed and acknowledged is what is fetched, and what was refused never is;
// - every call is answered within the time that it may take;
// - and once nothing happens any more, everybody who lives is in the group, and nobody else.
import { expect, test } from 'vitest';
import { drawInteger, seededRandom } from '../../../src/testkit/seeded-random.ts';
import { commit, committed, GroupWorld, subscription, TestMember } from './group-world.ts';

const seeds = Array.from({ length: 12 }, (_, i) => i + 1);

const sessionTimeoutMs = 10_000;
const rebalanceTimeoutMs = 20_000;
/** A new member waits five minutes at most; the others for sessions and rebalances. */
const answerMaxMs = 300_000 + 3 * (sessionTimeoutMs + rebalanceTimeoutMs);
const disturbedMs = 400_000;
const calmMs = 200_000;

test.each(seeds)('groups keep their word, whatever happens, by seed %i', (seed) =>
  GroupWorld.run(async (world) => new Story(world, seed).run(), {
    seed,
    snapshotAfterBytes: 2_000,
    latencyMaxMs: 800,
    runMaxMs: 3_600_000,
  }),
);

/** One client: it may be restarted as often as it likes. */
interface Actor {
  readonly name: string;
  readonly isStatic: boolean;
  readonly partition: number;
  readonly isBorn: () => boolean;
  member: TestMember;
  isAlive: boolean;
}

interface CommitKnowledge {
  acknowledged: number;
  /** May have been taken, after what was acknowledged. */
  possible: number[];
}

class Story {
  readonly #world: GroupWorld;
  readonly #draw: (from: number, to: number) => number;
  readonly #actors: Actor[];
  readonly #beginMs: number;
  readonly #leaders = new Map<number, string>();
  /** Of each generation the try from which somebody has an assignment. */
  readonly #tries = new Map<number, string>();
  readonly #commits = new Map<number, CommitKnowledge>();
  readonly #underWay = new Set<Promise<unknown>>();
  #newestGeneration = 0;
  #nextOffset = 1;
  #nextTry = 1;
  #isOver = false;
  stableGenerations = 0;

  constructor(world: GroupWorld, seed: number) {
    this.#world = world;
    const random = seededRandom(seed);
    this.#draw = (from, to) => from + drawInteger(random, to - from + 1);
    this.#beginMs = world.now;
    this.#actors = Array.from({ length: this.#draw(2, 5) }, (_, i) => {
      const [name, isStatic] = [`m${i}`, this.#draw(0, 2) === 0];
      const bornAt = this.#beginMs + this.#draw(0, 30_000);
      const member = this.#newMember(name, isStatic);
      return { name, isStatic, partition: i, isBorn: () => world.now >= bornAt, member, isAlive: true };
    });
  }

  get #isCalm(): boolean {
    return this.#world.now - this.#beginMs >= disturbedMs;
  }

  async run(): Promise<void> {
    const lives = this.#actors.map((actor) => this.#live(actor));
    const killing = this.#killBroker();
    await this.#world.wait(disturbedMs + calmMs);
    await this.#checkCalm();
    this.#isOver = true;
    await Promise.all([...lives, killing]);
    await Promise.all(this.#underWay);
    expect(this.stableGenerations).toBeGreaterThan(0);
  }

  #newMember(name: string, isStatic: boolean): TestMember {
    return new TestMember(this.#world, name, {
      ...{ sessionTimeoutMs, rebalanceTimeoutMs },
      groupInstanceId: isStatic ? name : null,
      requireKnownMemberId: !isStatic && this.#draw(0, 3) > 0,
      supportSkippingAssignment: this.#draw(0, 1) === 0,
      protocols: [{ name: 'range', metadata: subscription(this.#draw(0, 9) === 0 ? 'other' : 'orders') }],
    });
  }

  async #killBroker(): Promise<void> {
    while (!this.#isCalm) {
      await this.#world.wait(this.#draw(1_000, 120_000));
      if (!this.#isCalm) await this.#world.restart(this.#draw(0, 1) === 0 ? 'kill' : 'fence');
    }
  }

  async #live(actor: Actor): Promise<void> {
    while (!this.#isOver) {
      if (!actor.isBorn() || !actor.isAlive) {
        await this.#world.wait(this.#draw(100, this.#isCalm ? 1_000 : 30_000));
        if (actor.isAlive || (!actor.isStatic && this.#draw(0, 1) === 0)) continue;
        actor.member = this.#newMember(actor.name, actor.isStatic);
        actor.isAlive = true;
      }
      const joining = this.#join(actor.member, actor);
      // A client that dies while it waits leaves its call behind.
      if (!this.#isCalm && this.#draw(0, 19) === 0) actor.isAlive = false;
      else if (await joining) await this.#takePart(actor);
    }
  }

  /** Whether it is in a generation. */
  async #join(member: TestMember, actor: Actor): Promise<boolean> {
    const newest = this.#newestGeneration;
    const { error, generationId, leader, memberId } = await this.#answered(member.join());
    if (error === 'NONE') {
      expect(generationId).toBeGreaterThanOrEqual(newest);
      this.#newestGeneration = Math.max(this.#newestGeneration, generationId);
      if (leader === memberId) this.#expectSame(this.#leaders, generationId, actor.name);
      return true;
    }
    expect(['NOT_COORDINATOR', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', 'REBALANCE_IN_PROGRESS']).toContain(error);
    if (error === 'FENCED_INSTANCE_ID' && actor.member === member) actor.isAlive = false;
    await this.#world.wait(500);
    return false;
  }

  async #takePart(actor: Actor): Promise<void> {
    const { member } = actor;
    if (!this.#isCalm && this.#draw(0, 4) === 0) await this.#world.wait(this.#draw(100, 25_000));
    member.assign = ({ memberId }) => `${memberId}|${this.#nextTry}`;
    this.#nextTry++;
    const synced = await this.#answered(member.sync());
    if (synced === 'FENCED_INSTANCE_ID') actor.isAlive = false;
    if (synced !== 'NONE') return this.#world.wait(100);
    const [, tried] = member.assignment.split('|');
    if (tried !== undefined) {
      this.#expectSame(this.#tries, member.generationId, tried);
      this.stableGenerations++;
    }
    for (;;) {
      await this.#world.wait(this.#draw(500, 3_000));
      if (this.#isOver) return;
      const chance = this.#isCalm ? 99 : this.#draw(0, 60);
      if (chance === 0) return void (actor.isAlive = false);
      if (chance === 1) {
        await this.#answered(member.leave());
        return void (actor.isAlive = false);
      }
      if (chance < 20 || chance === 99) await this.#commitAndFetch(actor);
      const error = await this.#answered(member.heartbeat());
      if (error === 'NONE' || error === 'NOT_COORDINATOR') continue;
      if (error === 'UNKNOWN_MEMBER_ID') member.memberId = '';
      if (error === 'FENCED_INSTANCE_ID') actor.isAlive = false;
      return;
    }
  }

  async #commitAndFetch({ member, partition }: Actor): Promise<void> {
    const known = this.#commits.get(partition) ?? { acknowledged: -1, possible: [] };
    this.#commits.set(partition, known);
    await this.#checkCommitted(partition, known); // What was acknowledged before, perhaps by another broker.
    const offset = this.#nextOffset++;
    const generationId = this.#draw(0, 9) === 0 ? member.generationId - 1 : member.generationId;
    const error = await this.#answered(member.commit('orders', partition, offset, { generationId }));
    if (error === 'NONE') {
      expect(generationId).toBe(member.generationId);
      Object.assign(known, { acknowledged: offset, possible: [] });
    } else if (error === 'NOT_COORDINATOR') known.possible.push(offset);
    await this.#checkCommitted(partition, known);
    const stranger = await this.#answered(commit(this.#world, 'orders', partition, -5));
    expect(['UNKNOWN_MEMBER_ID', 'NOT_COORDINATOR']).toContain(stranger);
  }

  async #checkCommitted(partition: number, { acknowledged, possible }: CommitKnowledge): Promise<void> {
    const found = await this.#answered(committed(this.#world, 'orders', partition));
    if (!Number.isNaN(found)) expect([acknowledged, ...possible]).toContain(found);
  }

  #expectSame(map: Map<number, string>, generation: number, value: string): void {
    expect(`${generation}: ${map.get(generation) ?? value}`).toBe(`${generation}: ${value}`);
    map.set(generation, value);
  }

  /** Everything is answered in time. */
  async #answered<T>(call: Promise<T>): Promise<T> {
    const begun = this.#world.now;
    this.#underWay.add(call);
    const value = await call;
    this.#underWay.delete(call);
    expect(this.#world.now - begun).toBeLessThan(answerMaxMs);
    return value;
  }

  async #checkCalm(): Promise<void> {
    const { group } = await this.#world.groups.describe('group');
    expect(group.groupState).toBe('Stable');
    const names = group.members.map(({ clientId }) => clientId).toSorted();
    expect(names).toEqual(this.#actors.filter(({ isAlive }) => isAlive).map(({ name }) => name));
    for (const { member, isAlive } of this.#actors) if (isAlive) expect(await member.heartbeat()).toBe('NONE');
  }
}

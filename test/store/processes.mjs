// What a child process does in file-object-store.processes.test.ts: it uses the package as built, and talks to its
// parent in lines of JSON. `node processes.mjs <dist> <directory> <role> <number>`.
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { crc32 } from 'node:zlib';

const [dist, directory, role, number] = process.argv.slice(2);
const { FileObjectStore } = await import(pathToFileURL(`${dist}/index.js`).href);
const store = new FileObjectStore(directory);
const purpose = 'probe';
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);

/** A body that tells whether it is whole: its checksum, then bytes. */
function checkedBody(mark, length) {
  const body = Buffer.alloc(length + 4, mark);
  body.writeUInt32BE(crc32(body.subarray(4)), 0);
  return new Uint8Array(body);
}

async function main() {
  if (role === 'race') {
    // Each line is one race: wait for it, run, answer.
    for await (const line of createInterface({ input: process.stdin })) {
      const { key, etag } = JSON.parse(line);
      const condition = etag === undefined ? 'absent' : { etag };
      const answer = await store.put(key, encode(number), { purpose, if: condition });
      say(answer);
    }
  } else if (role === 'count') {
    const times = Number(process.argv[6]);
    let unknown = 0;
    for (let done = 0; done < times;) {
      const value = await store.get('count', { purpose });
      const [count, ...last] = decode(value.bytes).split(' ');
      const mine = `${number}:${done}`;
      // The value names the last number that each process has added, so one whose answer was lost can find out.
      const others = last.filter((name) => !name.startsWith(`${number}:`));
      const next = encode([Number(count) + 1, ...others, mine].join(' '));
      const { outcome } = await store.put('count', next, { purpose, if: { etag: value.etag } });
      if (outcome === 'stored') done += 1;
      if (outcome !== 'unknown') continue;
      unknown += 1;
      const now = await store.get('count', { purpose });
      if (decode(now.bytes).split(' ').includes(mine)) done += 1;
    }
    say({ unknown });
  } else if (role === 'churn') {
    // Puts, replaces and deletes until it is killed.
    for (let round = 0; ; round++) {
      const key = `churn/${round % 5}`;
      const body = checkedBody(round % 256, (round * 7919) % 200_000);
      await store.put(key, body, round % 3 === 0 ? { purpose, if: 'absent' } : { purpose });
      if (round % 11 === 0) await store.delete([key], { purpose });
      if (round === 3) say('running');
    }
  } else throw new Error(`unknown role ${role}`);
}

await main();

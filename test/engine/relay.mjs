// One process of a relay: opens the stream when the others have closed it, appends, closes it, so many times. Prints
// what was acknowledged, a line each.
//
//   node test/engine/relay.mjs DIRECTORY NODE ROUNDS
import { FileObjectStore, objectWal, StreamSet } from 'qanat';

const [directory, node, rounds] = process.argv.slice(2);
const set = await StreamSet.open({ node, store: new FileObjectStore(directory), wal: objectWal() });
for (let round = 0; round < Number(rounds);) {
  try {
    const stream = await set.openOrCreate('relay');
    for (const part of ['one', 'two']) {
      const text = `${node} ${round} ${part}`;
      const { startOffset } = await stream.append(Buffer.from(text));
      process.stdout.write(`${JSON.stringify({ offset: startOffset, text })}\n`);
    }
    await stream.close();
    round += 1;
  } catch (cause) {
    if (cause.code !== 'STREAM_OWNED') throw cause;
    await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 40));
  }
}
await set.close();

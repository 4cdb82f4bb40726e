import { FileObjectStore, StreamSet } from 'qanat';

const store = new FileObjectStore('./qanat-data'); // Any object store. This one is a directory; the node's log lies in it, too.

const set = await StreamSet.open({ node: 'node-1', store });
const orders = await set.openOrCreate('orders');
await orders.append(Buffer.from('tea')); // Durable when this resolves.
await Promise.all(['bread', 'salt'].map((text) => orders.append(Buffer.from(text))));
for await (const batch of orders.follow('start')) {
  console.log(batch.startOffset, Buffer.from(batch.bytes).toString());
  if (batch.endOffset === orders.endOffset) break; // follow() would wait for more.
}
await set.close();

const again = await StreamSet.open({ node: 'node-1', store });
const { batches, endOffset } = await (await again.open('orders')).read(0);
console.log(`opened again: ${batches.length} batches, up to offset ${endOffset}`);
await again.close();

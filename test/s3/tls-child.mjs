// Puts and gets a value over TLS, in a process that was told of an authority by NODE_EXTRA_CA_CERTS.
import { S3ObjectStore } from 'qanat/s3';

const store = S3ObjectStore.fromUrl(process.argv[2]);
const body = new Uint8Array(100_000).fill(7);
const { outcome } = await store.put('key', body, { purpose: 'probe', if: 'absent' });
const value = await store.get('key', { purpose: 'probe', range: { start: 10, end: 20 } });
console.log(JSON.stringify({ outcome, bytes: [...value.bytes], size: value.size }));
store.close();

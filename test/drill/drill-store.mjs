// The store that a drill runs on: a directory, or a bucket by its URL (`s3://bucket/prefix?endpoint=…&region=…`). Every
// process of a drill opens it by itself, as processes do.
import { join } from 'node:path';
import { FileObjectStore } from 'qanat';

// The SDK warns of versions of Node on the standard error, where a process of a drill has nothing to say.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** Whether `--store` names a bucket. */
export function isBucket(store) {
  return store !== '';
}

/** Opens the store: the bucket of `store`, or else the directory. */
export async function openStore(store, directory) {
  if (!isBucket(store)) return new FileObjectStore(directory);
  const { S3ObjectStore } = await import('qanat/s3');
  return S3ObjectStore.fromUrl(store);
}

/**
 * The URL of a part of the bucket that only this run of a drill has, and the bucket itself if it is not there yet.
 * An empty `store` stays empty.
 */
export async function partFor(store, name) {
  if (!isBucket(store)) return store;
  const url = new URL(store);
  url.pathname = join('/', url.pathname, name);
  await makeBucket(url);
  return url.href;
}

/** Deletes everything in the bucket's part; what lies beside it stays. */
export async function clearStore(store) {
  if (!isBucket(store)) return;
  const opened = await openStore(store);
  for (let count = 1; count > 0;) {
    const { keys } = await opened.list({ prefix: '', purpose: 'sweep' });
    count = keys.length;
    const names = keys.map(({ key }) => key);
    if (count > 0) await opened.delete(names, { purpose: 'sweep' });
  }
  opened.close();
}

async function makeBucket(url) {
  const { CreateBucketCommand, HeadBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
  const { endpoint, region = process.env['AWS_REGION'] ?? 'us-east-1' } = Object.fromEntries(url.searchParams);
  const client = new S3Client({ region, ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }) });
  const place = { Bucket: url.host };
  try {
    await client.send(new HeadBucketCommand(place)).catch(() => client.send(new CreateBucketCommand(place)));
  } catch (cause) {
    if (!cause.name.startsWith('BucketAlready')) throw cause;
  } finally {
    client.destroy();
  }
}

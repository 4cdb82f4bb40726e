// Values that are put in parts: begun, filled by uploads or copies, completed or given up.
import { randomUUID } from 'node:crypto';
import { document, S3Failure, textsOf, unescapeXml } from './fake-s3-answer.mjs';
import { FakeObject } from './fake-s3-bucket.mjs';
import { checkCondition, findObject, quoted, rangeOf } from './fake-s3-objects.mjs';

const partMinBytes = 5 * 1024 * 1024;

export function createMultipartUpload(service, { bucket, key }) {
  const id = randomUUID();
  service.bucketOf(bucket).uploads.set(id, { id, key, initiated: service.now(), parts: new Map() });
  return { body: document('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id }) };
}

export function uploadPart(service, request, { chunks, size, crc32 }) {
  const part = new FakeObject(chunks, { size, crc32, modified: service.now() });
  uploadOf(service, request).parts.set(partNumberOf(request), part);
  return { headers: { ETag: quoted(service, part) } };
}

export function uploadPartCopy(service, request) {
  const upload = uploadOf(service, request);
  const source = decodeURIComponent(request.headers['x-amz-copy-source'].replace(/^\//, ''));
  const [bucket, key] = [source.slice(0, source.indexOf('/')), source.slice(source.indexOf('/') + 1)];
  service.allow('s3:GetObject', key);
  const object = findObject(service, { bucket, key });
  const match = request.headers['x-amz-copy-source-if-match'];
  if (match !== undefined && match.replaceAll('"', '') !== object.etag)
    throw new S3Failure(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
  const header = request.headers['x-amz-copy-source-range'];
  const range = header === undefined ? { start: 0, end: object.size } : rangeOf(header, object.size);
  // Unlike a read, a copy refuses a range that goes beyond the end.
  if (range === undefined || range.end < Number(/-(\d+)$/.exec(header ?? '')?.[1] ?? -1) + 1)
    throw new S3Failure(
      400,
      'InvalidArgument',
      `Range specified is not valid for source object of size: ${object.size}`,
    );
  const bytes = object.bytes.subarray(range.start, range.end);
  const part = new FakeObject([bytes], { size: bytes.byteLength, modified: service.now() });
  upload.parts.set(partNumberOf(request), part);
  const said = { LastModified: new Date(part.modified).toISOString(), ETag: quoted(service, part) };
  return { body: document('CopyPartResult', said) };
}

export function completeMultipartUpload(service, request, { text }) {
  const { bucket, key } = request;
  const upload = uploadOf(service, request);
  const named = textsOf(text, 'Part').map((part) => ({
    number: Number(textsOf(part, 'PartNumber')[0]),
    etag: unescapeXml(textsOf(part, 'ETag')[0] ?? '').replaceAll('"', ''),
  }));
  if (named.length === 0) throw new S3Failure(400, 'MalformedXML', 'The XML you provided was not well-formed');
  if (named.some(({ number }, i) => i > 0 && number <= named[i - 1].number))
    throw new S3Failure(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
  const parts = named.map(({ number, etag }) => {
    const part = upload.parts.get(number);
    if (part?.etag === etag) return part;
    throw new S3Failure(400, 'InvalidPart', 'One or more of the specified parts could not be found.');
  });
  if (parts.slice(0, -1).some(({ size }) => size < partMinBytes))
    throw new S3Failure(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
  checkCondition(service, request);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const chunks = parts.flatMap((part) => part.chunks);
  const plain = new FakeObject(chunks, { size, modified: service.now() });
  const etag = `${plain.etag}-${parts.length}`;
  service.bucketOf(bucket).put(key, new FakeObject(chunks, { size, modified: plain.modified, etag }));
  service.bucketOf(bucket).uploads.delete(upload.id);
  const answer = { Location: `/${bucket}/${key}`, Bucket: bucket, Key: key, ETag: `"${etag}"` };
  return { body: document('CompleteMultipartUploadResult', answer) };
}

export function abortMultipartUpload(service, request) {
  service.bucketOf(request.bucket).uploads.delete(uploadOf(service, request).id);
  return { status: 204 };
}

/** All uploads of a prefix, page by page: sorted by key, those of one key in the order in which they began. */
export function listMultipartUploads(service, { bucket, query }) {
  const prefix = query.get('prefix') ?? '';
  const max = Math.min(1000, Number(query.get('max-uploads') ?? 1000));
  const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''];
  const all = [...service.bucketOf(bucket).uploads.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || a.initiated - b.initiated);
  const marked = all.findIndex(({ key, id }) => key === keyMarker && id === idMarker);
  const isAfter = ({ key }) => Buffer.compare(Buffer.from(key), Buffer.from(keyMarker)) > 0;
  const rest = marked >= 0 ? all.slice(marked + 1) : all.filter((upload) => keyMarker === '' || isAfter(upload));
  const page = rest.slice(0, max);
  const isTruncated = rest.length > max;
  const body = document('ListMultipartUploadsResult', {
    Bucket: bucket,
    KeyMarker: keyMarker,
    UploadIdMarker: idMarker,
    NextKeyMarker: isTruncated ? page.at(-1)?.key : undefined,
    NextUploadIdMarker: isTruncated ? page.at(-1)?.id : undefined,
    Prefix: prefix,
    MaxUploads: max,
    IsTruncated: isTruncated,
    Upload: page.map(({ key, id, initiated }) => ({
      Key: key,
      UploadId: id,
      StorageClass: 'STANDARD',
      Initiated: new Date(initiated).toISOString(),
    })),
  });
  return { body };
}

function uploadOf(service, { bucket, key, query }) {
  const upload = service.bucketOf(bucket).uploads.get(query.get('uploadId') ?? '');
  if (upload?.key === key) return upload;
  throw new S3Failure(
    404,
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  );
}

function partNumberOf({ query }) {
  const number = Number(query.get('partNumber'));
  if (Number.isInteger(number) && number >= 1 && number <= 10_000) return number;
  throw new S3Failure(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
}

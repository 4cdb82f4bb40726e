// Operations on whole objects and on buckets. Each takes the service (see fake-s3.mjs), the request and its body, acts
// at once, and gives an answer or throws a failure: nothing can come between a condition and what it guards.
import { document, encodeName, S3Failure, textsOf, unescapeXml } from './fake-s3-answer.mjs';
import { FakeObject } from './fake-s3-bucket.mjs';

/** Keys younger than this are not yet listed by a service with a stale listing. */
const staleForMs = 1000;

export function putObject(service, request, { chunks, size, crc32, isConditionMet }) {
  if (!isConditionMet) checkCondition(service, request);
  const object = new FakeObject(chunks, { size, crc32, modified: service.now() });
  service.bucketOf(request.bucket).put(request.key, object);
  const checksum = crc32 === undefined ? {} : { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-type': 'FULL_OBJECT' };
  return { headers: { ETag: quoted(service, object), ...checksum } };
}

/** The conditions of a write, against what stands there now. */
export function checkCondition(service, { bucket, key, headers }) {
  const { defects } = service;
  const standing = service.bucketOf(bucket).objects.get(key);
  if (headers['if-none-match'] !== undefined && !defects.ignoreIfNoneMatch) {
    if (headers['if-none-match'] !== '*')
      throw new S3Failure(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented');
    if (standing !== undefined) failed('If-None-Match');
  }
  const wanted = headers['if-match'];
  if (wanted === undefined || defects.ignoreIfMatch) return;
  service.allow('s3:GetObject', key);
  if (standing === undefined) throw noSuchKey(key);
  if ((defects.bareIfMatch ? wanted : wanted.replaceAll('"', '')) !== standing.etag) failed('If-Match');
}

function failed(condition) {
  const message = 'At least one of the pre-conditions you specified did not hold';
  throw new S3Failure(412, 'PreconditionFailed', message, { elements: { Condition: condition } });
}

export function getObject(service, request) {
  const object = findObject(service, request);
  const { headers } = request;
  const etag = quoted(service, object);
  if (headers['if-none-match']?.replaceAll('"', '') === object.etag) return { status: 304, headers: { ETag: etag } };
  if (headers['if-match'] !== undefined && headers['if-match'].replaceAll('"', '') !== object.etag) failed('If-Match');
  const about = { ETag: etag, 'Last-Modified': new Date(object.modified).toUTCString(), 'Accept-Ranges': 'bytes' };
  const wanted = headers['range'];
  const { wrongRange } = service.defects;
  const isIgnored = wrongRange === 'ignored' || (wrongRange === 'suffix-ignored' && wanted?.startsWith('bytes=-'));
  if (wanted === undefined || isIgnored) {
    const isChecked = object.crc32 !== undefined && headers['x-amz-checksum-mode'] === 'ENABLED';
    const checksum = isChecked ? { 'x-amz-checksum-crc32': object.crc32, 'x-amz-checksum-type': 'FULL_OBJECT' } : {};
    return { headers: { ...about, ...checksum }, body: object.bytes };
  }
  const range = rangeOf(wanted, object.size);
  if (range === undefined)
    throw new S3Failure(416, 'InvalidRange', 'The requested range is not satisfiable', {
      elements: { RangeRequested: wanted, ActualObjectSize: object.size },
      headers: { 'Content-Range': `bytes */${object.size}` },
    });
  const shift = wrongRange === 'shifted' && range.end < object.size ? 1 : 0;
  return {
    status: 206,
    headers: { ...about, 'Content-Range': `bytes ${range.start}-${range.end - 1}/${object.size}` },
    body: object.bytes.subarray(range.start + shift, range.end + shift),
  };
}

/** The object, or the failure: without the right to list, nobody is told that something is not there. */
export function findObject(service, { bucket, key }) {
  const object = service.bucketOf(bucket).objects.get(key);
  if (object !== undefined) return object;
  service.allow('s3:ListBucket', '');
  throw noSuchKey(key);
}

function noSuchKey(key) {
  return new S3Failure(404, 'NoSuchKey', 'The specified key does not exist.', { elements: { Key: key } });
}

/** `bytes=a-b`, `bytes=a-`, `bytes=-n`, cut at the size; undefined where none of it is there. */
export function rangeOf(header, size) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (first === undefined || (first === '' && last === '')) return { start: 0, end: size };
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end } : undefined;
}

export function quoted({ defects }, { etag }) {
  return defects.etagWithoutQuotes ? etag : `"${etag}"`;
}

export function deleteObject(service, { bucket, key }) {
  if (!service.defects.deleteKeeps) service.bucketOf(bucket).delete(key);
  return { status: 204 };
}

export function deleteObjects(service, { bucket, headers }, { text }) {
  if (headers['content-md5'] === undefined && !Object.keys(headers).some((name) => name.startsWith('x-amz-checksum-')))
    throw new S3Failure(
      400,
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  const keys = textsOf(text, 'Object').flatMap((one) => textsOf(one, 'Key').map(unescapeXml));
  if (keys.length === 0 || keys.length > 1000)
    throw new S3Failure(400, 'MalformedXML', 'The XML you provided was not well-formed');
  const isQuiet = textsOf(text, 'Quiet')[0] === 'true';
  const errors = keys.flatMap((key) => {
    const failure = service.refusal('s3:DeleteObject', key) ?? service.deleteFailure(key);
    if (failure === undefined) deleteObject(service, { bucket, key });
    return failure === undefined ? [] : [{ Key: key, Code: failure.code, Message: failure.message }];
  });
  const isFailed = new Set(errors.map(({ Key }) => Key));
  const deleted = isQuiet ? [] : keys.filter((key) => !isFailed.has(key)).map((Key) => ({ Key }));
  return { body: document('DeleteResult', { Deleted: deleted, Error: errors }) };
}

export function listObjects(service, { bucket, query }) {
  if (query.has('delimiter')) throw new S3Failure(501, 'NotImplemented', 'Delimiters are not implemented');
  const kept = service.bucketOf(bucket);
  const isUrl = query.get('encoding-type') === 'url';
  const name = (text) => (isUrl ? encodeName(text) : text);
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const max = Math.min(1000, Number(query.get('max-keys') ?? 1000));
  const after = token === undefined ? startAfter : Buffer.from(token, 'base64url').toString();
  const { staleList, unorderedList } = service.defects;
  const isShown = (key) => !staleList || kept.objects.get(key).modified < service.now() - staleForMs;
  const rest = kept.keysAfter(prefix, after).filter(isShown);
  const page = rest.slice(0, max);
  const isTruncated = rest.length > max && max > 0;
  const next = isTruncated ? Buffer.from(page.at(-1)).toString('base64url') : undefined;
  const body = document('ListBucketResult', {
    Name: bucket,
    Prefix: name(prefix),
    StartAfter: startAfter === '' ? undefined : name(startAfter),
    ContinuationToken: token,
    NextContinuationToken: next,
    KeyCount: page.length,
    MaxKeys: max,
    EncodingType: isUrl ? 'url' : undefined,
    IsTruncated: isTruncated,
    Contents: (unorderedList ? page.toReversed() : page).map((key) => {
      const object = kept.objects.get(key);
      return {
        Key: name(key),
        LastModified: new Date(object.modified).toISOString(),
        ETag: `"${object.etag}"`,
        Size: object.size,
        StorageClass: 'STANDARD',
      };
    }),
  });
  return { body };
}

export function createBucket(service, { bucket }) {
  if (service.buckets.has(bucket))
    throw new S3Failure(409, 'BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded');
  service.createBucket(bucket);
  return { headers: { Location: `/${bucket}` } };
}

export function headBucket(service, { bucket }) {
  service.bucketOf(bucket);
  return { headers: { 'x-amz-bucket-region': service.region } };
}

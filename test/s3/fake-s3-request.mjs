// What an HTTP request to an S3 service means: bucket, key, and which operation of the S3 API it is. Pure; the fake
// server and the proxy both look at requests through this.

/** The name of the operation, as the S3 API has it; 'Unknown' for what neither server nor proxy knows. */
function operationOf(method, bucket, key, query) {
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : 'Unknown';
  if (key === '') {
    if (method === 'PUT') return query.size === 0 || query.has('x-id') ? 'CreateBucket' : 'Unknown';
    if (method === 'HEAD') return 'HeadBucket';
    if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : 'Unknown';
    if (method !== 'GET') return 'Unknown';
    if (query.has('uploads')) return 'ListMultipartUploads';
    return query.get('list-type') === '2' ? 'ListObjectsV2' : 'Unknown';
  }
  if (method === 'GET') return query.has('uploadId') ? 'Unknown' : 'GetObject';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'DELETE') return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  if (method === 'PUT') return query.has('partNumber') ? 'UploadPart' : 'PutObject';
  if (method !== 'POST') return 'Unknown';
  if (query.has('uploads')) return 'CreateMultipartUpload';
  return query.has('uploadId') ? 'CompleteMultipartUpload' : 'Unknown';
}

/**
 * Describes a request by its line and its headers (names in small letters). Path style: the first part of the path is
 * the bucket, all of the rest is the key. Gives undefined where the address is not well-formed.
 */
export function describeRequest({ method, url, headers }) {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const rawQuery = mark < 0 ? '' : url.slice(mark + 1);
  const slash = path.indexOf('/', 1);
  try {
    const bucket = decodeURIComponent(slash < 0 ? path.slice(1) : path.slice(1, slash));
    const key = slash < 0 ? '' : decodeURIComponent(path.slice(slash + 1));
    const query = parseQuery(rawQuery);
    const plain = operationOf(method, bucket, key, query);
    const isCopy = headers['x-amz-copy-source'] !== undefined;
    const copies = { PutObject: 'CopyObject', UploadPart: 'UploadPartCopy' };
    return { operation: (isCopy && copies[plain]) || plain, method, bucket, key, query, path, rawQuery, headers };
  } catch {
    return undefined;
  }
}

function parseQuery(rawQuery) {
  const words = rawQuery.split('&').filter((word) => word !== '');
  return new Map(
    words.map((word) => {
      const at = word.indexOf('=');
      const [name, value] = at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
      return [decodeURIComponent(name), decodeURIComponent(value.replaceAll('+', ' '))];
    }),
  );
}

/** Requests and bytes by operation. */
export class RequestCounts {
  #rows = new Map();

  /** A request arrived. */
  asked(operation, bytesIn) {
    const row = this.#row(operation);
    row.requests += 1;
    row.bytesIn += bytesIn;
  }

  /** It was answered. Only bytes of answers that are no errors count. */
  answered(operation, status, bytesOut) {
    const row = this.#row(operation);
    if (status >= 400) row.failures += 1;
    else row.bytesOut += bytesOut;
  }

  rows() {
    return [...this.#rows.values()].map((row) => ({ ...row }));
  }

  reset() {
    this.#rows.clear();
  }

  #row(operation) {
    const known = this.#rows.get(operation);
    if (known !== undefined) return known;
    const row = { operation, requests: 0, failures: 0, bytesIn: 0, bytesOut: 0 };
    this.#rows.set(operation, row);
    return row;
  }
}

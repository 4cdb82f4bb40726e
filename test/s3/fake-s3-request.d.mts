/** An HTTP request to an S3 service, understood. */
export interface S3Request {
  /** As the S3 API names it: 'PutObject', 'GetObject', 'ListObjectsV2', …; 'Unknown' otherwise. */
  readonly operation: string;
  readonly method: string;
  readonly bucket: string;
  /** Empty for operations on the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly path: string;
  readonly rawQuery: string;
  /** Names are in small letters. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Requests of one operation, and bytes of their bodies. Answers that are errors do not count in `bytesOut`. */
export interface RequestRow {
  readonly operation: string;
  readonly requests: number;
  readonly failures: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export function describeRequest(request: {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}): S3Request | undefined;

// The door `qanat/s3`: explicit named exports and nothing else. Loading it loads the AWS SDK.
export type { HedgeCounts } from './store/hedging.ts';
export type { LaneState } from './store/purpose-lanes.ts';
export { S3ObjectStore } from './store/s3-object-store.ts';
export type { S3Credentials, S3ObjectStoreOptions } from './store/s3-options.ts';

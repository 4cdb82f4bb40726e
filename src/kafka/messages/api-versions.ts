// ApiVersions: which APIs in which versions the broker serves, and its features.
import { Api } from '../wire/api.ts';
import { array, bool, int16, int32, int64, string, struct } from '../wire/schema.ts';

export interface ApiVersionsRequest {
  readonly clientSoftwareName: string;
  readonly clientSoftwareVersion: string;
}

export interface ApiVersion {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface SupportedFeatureKey {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface FinalizedFeatureKey {
  readonly name: string;
  readonly maxVersionLevel: number;
  readonly minVersionLevel: number;
}

export interface ApiVersionsResponse {
  readonly errorCode: number;
  readonly apiKeys: readonly ApiVersion[];
  readonly throttleTimeMs?: number;
  readonly supportedFeatures?: readonly SupportedFeatureKey[];
  /** −1: it is not known which features are finalized. */
  readonly finalizedFeaturesEpoch?: number;
  readonly finalizedFeatures?: readonly FinalizedFeatureKey[];
  readonly zkMigrationReady?: boolean;
}

const request = struct<ApiVersionsRequest>({
  clientSoftwareName: string({ since: 3 }),
  clientSoftwareVersion: string({ since: 3 }),
});

const apiVersion = struct<ApiVersion>({ apiKey: int16(), minVersion: int16(), maxVersion: int16() });

const supportedFeature = struct<SupportedFeatureKey>({ name: string(), minVersion: int16(), maxVersion: int16() });

const finalizedFeature = struct<FinalizedFeatureKey>({
  name: string(),
  maxVersionLevel: int16(),
  minVersionLevel: int16(),
});

const response = struct<ApiVersionsResponse>({
  errorCode: int16(),
  apiKeys: array(apiVersion),
  throttleTimeMs: int32({ since: 1 }),
  supportedFeatures: array(supportedFeature, { since: 3, tag: 0 }),
  finalizedFeaturesEpoch: int64({ since: 3, tag: 1, initial: -1 }),
  finalizedFeatures: array(finalizedFeature, { since: 3, tag: 2 }),
  zkMigrationReady: bool({ since: 3, tag: 3 }),
});

export const apiVersionsApi: Api<ApiVersionsRequest, ApiVersionsResponse> = new Api({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexibleFrom: 3,
  request,
  response,
});

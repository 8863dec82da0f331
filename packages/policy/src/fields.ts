/** The metadata keys that presets have a policy for (XPM-10), by the words used in this package. */
export const METADATA_FIELDS: {
  readonly name: "group_name";
  readonly description: "description";
  readonly imageUrl: "group_image_url_square";
  readonly disappearFrom: "message_disappear_from_ns";
  readonly disappearIn: "message_disappear_in_ns";
  readonly minimumVersion: "minimum_supported_protocol_version";
  readonly appData: "app_data";
} = {
  name: "group_name",
  description: "description",
  imageUrl: "group_image_url_square",
  disappearFrom: "message_disappear_from_ns",
  disappearIn: "message_disappear_in_ns",
  minimumVersion: "minimum_supported_protocol_version",
  appData: "app_data",
};

/** What people call "metadata": the four fields that the single permission "Update Metadata" covers (section 13). */
export const PUBLIC_FIELDS: readonly string[] = [
  METADATA_FIELDS.name,
  METADATA_FIELDS.description,
  METADATA_FIELDS.imageUrl,
  METADATA_FIELDS.appData,
];

/** Keys that begin so are for super admins wherever the policy set has no entry for them (XPM-04). */
export const SUPER_ADMIN_FIELD_PREFIX = "_";

-- One row per source row: the known label, else the prediction, else the recipe's default.
SELECT
    id,
    COALESCE(known_label, prediction, ${default}) AS value,
    CASE
        WHEN known_label IS NOT NULL THEN 'KNOWN'
        WHEN prediction IS NOT NULL THEN 'PREDICTED'
        ELSE 'DEFAULT'
    END AS source,
    CASE
        WHEN known_label IS NOT NULL THEN CAST(1 AS double)
        WHEN prediction IS NOT NULL THEN confidence
    END AS confidence,
    CASE WHEN known_label IS NULL THEN lower_bound END AS lower,
    CASE WHEN known_label IS NULL THEN upper_bound END AS upper,
    CASE WHEN known_label IS NULL THEN model END AS model
    ${reasons}
FROM ${predictions}

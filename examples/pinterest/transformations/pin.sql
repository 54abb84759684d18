-- Texts that stand for "nothing here" become NULL; 124k and 5M become numbers, any other text of a
-- follower count NULL; save_location keeps its path.

CREATE STREAMING TABLE `0e36c8cd403d_pin_table`
COMMENT 'Posts, cleaned'
AS SELECT
  `index` AS ind,
  unique_id,
  nullif(title, 'No Title Data Available') AS title,
  CASE
    WHEN description IN ('No description available', 'No description available Story format') THEN NULL
    ELSE description
  END AS description,
  try_cast(
    regexp_replace(
      regexp_replace(nullif(follower_count, 'User Info Error'), 'k$', '000'),
      'M$', '000000'
    ) AS INT
  ) AS follower_count,
  nullif(poster_name, 'User Info Error') AS poster_name,
  nullif(tag_list, 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e') AS tag_list,
  is_image_or_video,
  CASE
    WHEN image_src IN ('Image src error', 'Image src error.') THEN NULL
    ELSE image_src
  END AS image_src,
  regexp_replace(save_location, '^Local save in ', '') AS save_location,
  category
FROM STREAM pin_rows;

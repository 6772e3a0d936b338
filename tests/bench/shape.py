"""The axes of the benchmarks' campaigns; loads nothing, so that whoever measures memory stays small."""

LOCALES = ["en-US", "de-DE", "fr-FR", "ja-JP", "ar-EG", "hi-IN", "bn-BD", "zh-Hans-CN", "ko-KR", "es-MX"]
RATIOS = ["1:1", "16:9", "9:16", "4:3"]

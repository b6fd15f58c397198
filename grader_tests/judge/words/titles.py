"""What a person calls each part of the assignment."""

TITLES = {
    "en": {
        "test_normal_layers": "Every linear layer gets new weights, nothing else changes",
        "test_normal_mean": "Mean of the weights: 0",
        "test_normal_std": "Standard deviation: 1/√n",
        "test_normal_shape": "Independent values of a normal distribution",
        "test_normal_bias": "Biases: 0",
        "test_default_model": "A model with PyTorch's own initial weights",
        "test_default_comparison": "How the default model learns",
        "reflection_results": "Question 1: what the results say",
        "reflection_choice": "Question 2: your choice, and why",
    },
    "zh": {
        "test_normal_layers": "每个线性层都得到新权重，其他部分不变",
        "test_normal_mean": "权重的均值：0",
        "test_normal_std": "标准差：1/√n",
        "test_normal_shape": "独立抽取的正态分布数值",
        "test_normal_bias": "偏差：0",
        "test_default_model": "使用 PyTorch 默认初始权重的模型",
        "test_default_comparison": "默认模型的学习情况",
        "reflection_results": "问题 1：结果说明了什么",
        "reflection_choice": "问题 2：你的选择与理由",
    },
}
"""What a person calls each part, by grade id; a part that is not listed goes by its grade id."""
